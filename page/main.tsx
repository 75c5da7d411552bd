import { render } from 'preact';
import { App } from './app.tsx';
import { OWN_TEXT } from './settings.ts';
import { begin, message, open, settings, watchView } from './store.ts';

const { text, own } = settings.value;
if (text === OWN_TEXT && own === '') {
  message.value = 'This link was made with a text that is too long for a link: open that text.';
} else begin(settings.value);
watchView();
render(<App />, document.getElementById('app')!);

// A model file or a text may be dropped anywhere.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file) void open(file);
});

// After the first visit the page needs no network.
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('./serviceWorker.js');
