// What the pickers of an album and of a clip have in common. They add `take`, which is given what came as a list of
// { file, name }, `forget` and `send`, and call `receive`.

const picker = find('.picker');
let round = 0;   // another one begins when what was chosen is removed: what is still under way belongs to none
function say(text) { find('.state').textContent = text; }
// Never none at all.
function megabytes(bytes) { return Math.max(0.1, bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0); }
function receive(kind) {
  find('.forget').onclick = () => {
    forget();
    send();
    find('.ways button').focus();   // the one that was pressed is gone
  };
  for (const input of element.querySelectorAll('input')) {
    input.onchange = () => {
      take([...input.files].map(file => ({ file, name: file.webkitRelativePath || file.name })));
      input.value = '';  // the same ones may be chosen again
    };
  }
  picker.addEventListener('dragover', event => { event.preventDefault(); picker.classList.add('over'); });
  picker.addEventListener('dragleave', () => picker.classList.remove('over'));
  picker.addEventListener('drop', async event => {
    event.preventDefault();
    picker.classList.remove('over');
    take(await dropped(event));
  });
  // Only Gradio sets it otherwise: what a tab shows for the first time it sets back to what it was, one frame later.
  watch('value', send);
  // What was dropped beside the picker, or before its tab was opened for the first time.
  const name = `lumachrome-${kind}`;
  function takeWaiting() {
    const files = window[name];
    window[name] = null;
    if (files) take(files);
  }
  addEventListener(name, takeWaiting);
  takeWaiting();
}
