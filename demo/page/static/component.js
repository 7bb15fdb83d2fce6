// What every component's script begins with: the visitor's `words`, `find`, the texts of nodes that ask for them, and
// `below`, the files of what was dropped.

const words = allWords[navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'];
// biome-ignore lint/correctness/noUnusedVariables: the scripts that follow use it
const find = selector => element.querySelector(selector);
for (const node of element.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
for (const node of element.querySelectorAll('[data-label]')) {
  node.setAttribute('aria-label', words[node.dataset.label]);
  node.title = words[node.dataset.label];
}
// biome-ignore lint/correctness/noUnusedVariables: the scripts that follow use it
async function below(entry, path = entry.name) {
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name: path }];
  const reader = entry.createReader(), found = [];
  for (;;) {  // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...await below(child, `${path}/${child.name}`));
  }
}
