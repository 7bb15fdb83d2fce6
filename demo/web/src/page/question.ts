/** Whether a visitor would lose something: the page's own question, as frames of other sites may not ask the browser's. */

import { find } from './dom';
import { word } from './words';

const box = find<HTMLDialogElement>('#sure');
let answer: (leaves: boolean) => void = () => undefined;

find('#stay').addEventListener('click', () => box.close('stay'));
find('#leave').addEventListener('click', () => box.close('leave'));
// It comes a moment later, when the next question may have been asked.
box.addEventListener('close', () => {
  if (!box.open) answer(box.returnValue === 'leave');
});

/** Whether what was done to a photo may be lost; who asks again has the answer no to what was asked before. */
export function sure(name: string): Promise<boolean> {
  answer(false);
  box.returnValue = '';
  find('p', box).textContent = word('sure', { name });
  if (!box.open) box.showModal();
  return new Promise((done) => {
    answer = done;
  });
}
