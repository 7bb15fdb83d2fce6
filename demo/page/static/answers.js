// Hands on what Python says to studio.js.

watch('value', () => window.dispatchEvent(new CustomEvent('lumachrome-answer', { detail: props.value })));
