document.body.textContent = 'Lumachrome';
