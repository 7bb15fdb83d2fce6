// What the page says and asks by the way: a line at its foot, that it is busy, and whether work may be lost.

const said = find('.said');
let saying = 0;
studio.closest('main')?.append(said);   // to be seen whichever tab is open
function say(text) {
  clearTimeout(saying);
  said.hidden = false;
  said.textContent = text;
  saying = setTimeout(() => { said.hidden = true; }, 6000);
}
function wait(text) {
  find('.busy').hidden = !text;
  find('.busy span').textContent = text;
}
// Gradio has a second row of tabs, unseen, to measure them.
function openTab(which) {
  const tab = [...document.querySelectorAll('[role=tab]')].filter(tab => tab.checkVisibility())[which];
  tab?.click();
  tab?.focus();   // what had the focus may be in the other one
}
// Whether the photo that is open may go.
function agreed() {
  if (!own || !past.changed || look === placed) return true;
  const box = find('.sure');
  box.querySelector('p').textContent = filled(words.sure, { name: own.name });
  box.showModal();
  return new Promise(answer => {
    find('.stay').onclick = () => box.close();
    find('.leave').onclick = () => box.close('leave');
    // The last one's close may come after it was opened again
    box.onclose = () => { if (box.open) return; answer(box.returnValue === 'leave'); box.returnValue = ''; };
  });
}
