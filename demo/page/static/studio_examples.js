// Photos to try, and the one that an empty page shows before and after: it says at once what the page does.

find('.examples .row').append(...EXAMPLES.map(([name, source]) => {
  const button = card('', source, async () => {
    const file = await (await fetch(source)).blob();
    beginExample(new File([file], `${name}.jpg`), name);
  });
  const text = name.replace(/^old-/, `${words.old} `).replaceAll('-', ' ');
  button.setAttribute('aria-label', filled(words.example, { name: text }));
  return button;
}));
let example = null;
function hero(given = example) {
  example = given;
  if (!example || !studio.classList.contains('empty')) return;
  painter.steerable = false;
  painter.hints = [];
  painter.hidden = false;
  painter.slider.begin(example.width, example.height);
  painter.slider.show('before', example.before);
  painter.slider.show('after', example.after);
}
