// A bar, a line and a list of sentences.

const line = find('.line'), bar = find('progress');
function show() {
  const value = props.value;
  find('.report').hidden = !value;
  if (!value) return;
  bar.hidden = value.share === null;
  bar.value = value.share || 0;
  // A screen reader hears how it ended, not every photo.
  line.setAttribute('aria-live', bar.hidden ? 'polite' : 'off');
  line.textContent = value.line;
  find('.problems').hidden = !value.problems.length;
  find('.problems p').textContent = words.album_problems;
  find('.problems ul').replaceChildren(...value.problems.map(problem => {
    const item = document.createElement('li');
    item.textContent = problem;
    return item;
  }));
}
watch('value', show);
show();
