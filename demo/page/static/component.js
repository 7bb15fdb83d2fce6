// What every component's script begins with: the visitor's `words`, `find`, and the texts of nodes that ask for them.

const words = allWords[navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'];
// biome-ignore lint/correctness/noUnusedVariables: the scripts that follow use it
const find = selector => element.querySelector(selector);
for (const node of element.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
for (const node of element.querySelectorAll('[data-label]')) {
  node.setAttribute('aria-label', words[node.dataset.label]);
  node.title = words[node.dataset.label];
}
