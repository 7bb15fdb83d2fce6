// Gives the two small copies to the player: whole, as servers and browsers disagree on parts of files.

const player = find('lumachrome-player');
player.words = words;
async function show() {
  const value = props.value;
  player.clear();
  if (!value) return;
  const [before, after] = await Promise.all([value.before, value.after].map(async ({ url }) =>
    new Blob([await (await fetch(url)).arrayBuffer()], { type: 'video/mp4' })));
  if (props.value?.after.url === value.after.url) player.show(before, after, value.size, value.sound);
}
watch('value', show);
show();
