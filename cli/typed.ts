/** The npm scripts of the repository that call a command, as one types them. */
const scripts: Record<string, string> = {
  train: 'npm start --',
  sample: 'npm run --silent sample --',
  compare: 'npm run compare --',
  notebook: 'npm run notebook --',
  memory: 'npm run memory --',
  convert: 'npm run --silent convert --',
  export: 'npm run --silent export --',
  sweep: 'npm run --silent sweep --',
};

/** What one types for `bptt <name>`, as this process was called: an npm script of a clone, npx, or the installed command. */
export function typed(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const inClone =
    env.npm_package_name === 'bptt' && ['start', ...Object.keys(scripts)].includes(env.npm_lifecycle_event!);
  if (inClone && scripts[name] !== undefined) return scripts[name];
  return `${env.npm_lifecycle_event === 'npx' ? 'npx bptt-cli' : 'bptt'} ${name}`;
}
