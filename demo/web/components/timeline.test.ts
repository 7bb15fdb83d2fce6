import { expect, test } from 'vitest';
import { Timeline } from './timeline';

test('what is undone comes back, until something else is done', () => {
  const timeline = new Timeline('a');
  timeline.push('b');
  timeline.push('c');
  expect([timeline.undo(), timeline.undo(), timeline.undo()]).toEqual(['b', 'a', null]);
  expect([timeline.redo(), timeline.present]).toEqual(['b', 'b']);
  timeline.push('d');
  expect([timeline.redo(), timeline.undo(), timeline.first]).toEqual([null, 'b', 'a']);
});

test('a slider that moves is one step, and a new one after a pause', () => {
  const timeline = new Timeline(0);
  for (const [value, at] of [[1, 0], [2, 300], [3, 900], [4, 5000]]) timeline.push(value ?? 0, 'slider', at);
  expect([timeline.undo(), timeline.undo()]).toEqual([3, 0]);
  timeline.push(7, 'slider', 5100); // what was undone is not written over
  expect([timeline.undo(), timeline.canUndo]).toEqual([0, false]);
});

test('what is set back, and what comes as it was, is no change', () => {
  const timeline = new Timeline({ warmth: 0, hints: [] });
  timeline.push({ warmth: 0, hints: [] });
  expect([timeline.changed, timeline.canUndo]).toEqual([false, false]);
  timeline.push({ warmth: 1, hints: [] });
  expect([timeline.changed, timeline.canUndo]).toEqual([true, true]);
  timeline.push({ warmth: 0, hints: [] });
  expect([timeline.changed, timeline.canUndo]).toEqual([false, true]);
});
