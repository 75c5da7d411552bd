import { render } from 'preact';
import { App } from './app.tsx';
import { begin, settings, watchView } from './store.ts';

begin(settings.value);
watchView();
render(<App />, document.getElementById('app')!);
