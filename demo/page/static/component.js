// What every component's script begins with: the visitor's `words`, `find`, the texts of nodes that ask for them; and
// what several of them do: `filled`, `stored` and `dropped`. `allWords` comes with the page's head.

const words = allWords[navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'];
const find = selector => element.querySelector(selector);
for (const node of element.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
for (const node of element.querySelectorAll('[data-label]')) {
  node.setAttribute('aria-label', words[node.dataset.label]);
  if (node.localName === 'button') node.title = words[node.dataset.label];
}
// A text with values where {their names} stand. What they hold is taken as it is, a file's name with $& too.
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}
// Upload a file; resolves to what Gradio calls one.
async function stored(file) {
  const { path, url } = await upload(file);
  return { path, url, orig_name: file.name, size: file.size, meta: { _type: 'gradio.FileData' } };
}
const named = files => [...files].map(file => ({ file, name: file.name }));
// What was dropped: all files, also those in folders, each with its name and its folders.
async function dropped({ dataTransfer }) {
  const entries = [...dataTransfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return named(dataTransfer.files);
  return (await Promise.all(entries.map(entry => below(entry)))).flat();
}
async function below(entry, path = entry.name) {
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name: path }];
  const reader = entry.createReader(), found = [];
  for (;;) {  // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...await below(child, `${path}/${child.name}`));
  }
}
