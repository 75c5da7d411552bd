import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Application,
  type DeclarationReflection,
  type DocumentReflection,
  KindRouter,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
} from 'typedoc';
import { entryPoints } from '../scripts/entryPoints.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the page itself asks of its host, too. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'";

/** The guides, as patterns. */
const GUIDES = ['docs/*.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'bench/RESULTS.md', 'src/*/README.md'];

/** `guides/cells.html` for `docs/cells.md`, `api/bptt.tensor.matmulNN.html` for a name of an entry point. */
class SiteRouter extends KindRouter {
  protected override getIdealBaseName(reflection: Reflection): string {
    if (reflection.isDocument()) return `guides/${slugs.get(reflection)}`;
    return `api/${reflection.getFullName().replaceAll('/', '.')}`;
  }
}

/** What the guides' files are called, since the documents get the names of their headings. */
const slugs = new WeakMap<DocumentReflection, string>();

/**
 * Writes the README, the guides and the API reference out of the docstrings as static pages that need no inline script and
 * no inline style.
 *
 * @param page where the page that trains lies, seen from the folder; null where it is not part of it
 * @throws {Error} that lists what is wrong: names without a docstring, links in docstrings that lead nowhere
 */
export async function writeReference(folder: string, page: string | null): Promise<void> {
  const entries = entryPoints();
  const app = await Application.bootstrap({
    ...{ name: 'bptt', readme: join(root, 'README.md'), entryPoints: entries.map(([, source]) => source) },
    ...{ projectDocuments: GUIDES.map((pattern) => join(root, pattern)), alwaysCreateEntryPointModule: true },
    ...{ tsconfig: join(root, 'tsconfig.build.json'), basePath: root, router: 'site', cleanOutputDir: true },
    ...{ excludePrivate: true, excludeProtected: true, excludeInternal: true, sort: ['kind', 'alphabetical'] },
    ...{ disableGit: true, gitRevision: 'main', hideGenerator: true, searchInComments: true, searchInDocuments: true },
    sourceLinkTemplate: 'https://github.com/bptt-js/bptt/blob/{gitRevision}/src/{path}#L{line}',
    highlightLanguages: ['typescript', 'javascript', 'tsx', 'json', 'sh', 'python', 'html', 'wgsl'],
    customCss: join(root, 'site/assets/site.css'),
    customJs: join(root, 'site/assets/theme.js'),
    // A docstring may begin with sizes, `[T,B]: …`, which Markdown would take for the address of a link.
    markdownItLoader: (parser: { block: { ruler: { disable(rule: string): void } } }) =>
      parser.block.ruler.disable('reference'),
    preservedTypeAnnotationTags: ['@throws'],
    // Its page lacks some of the places that TypeDoc links to.
    includeHierarchySummary: false,
    visibilityFilters: {},
    validation: { notExported: false, invalidPath: false },
    logLevel: 'Warn',
  });
  app.renderer.defineRouter('site', SiteRouter);
  app.renderer.on(PageEvent.END, (event) => {
    event.contents = strict(event.contents!, page && relative(dirname(event.url), page));
  });
  const project = await app.convert();
  if (!project) throw new Error('The sources do not compile.');
  nameEntryPoints(project, entries);
  for (const document of project.documents ?? []) nameDocument(document);
  const bare = withoutDocstring(project);
  if (bare.length > 0) throw new Error(`Without a docstring: ${bare.join(', ')}`);
  app.validate(project);
  await app.generateDocs(project, folder);
  const { errorCount, warningCount } = app.logger;
  if (errorCount + warningCount > 0) throw new Error('TypeDoc found fault, see above.');
  const script = join(folder, 'assets/main.js');
  writeFileSync(script, replaced(readFileSync(script, 'utf8'), STYLE, 'document.createElement("style")'));
}

/** The modules as one imports them; TypeDoc calls them by their files. */
function nameEntryPoints(project: ProjectReflection, entries: readonly (readonly [string, string])[]): void {
  for (const module of project.children ?? []) {
    const [source] = module.sources ?? [];
    const entry = entries.find(([, file]) => file === source?.fullFileName);
    if (!entry) throw new Error(`No entry point has the module ${module.name}.`);
    [module.name] = entry;
  }
}

/** A guide by its first heading. */
function nameDocument(document: DocumentReflection): void {
  const file = document.name;
  slugs.set(document, basename(file) === 'README' ? `engine-${basename(dirname(file))}` : basename(file).toLowerCase());
  const text = document.content.map((part) => part.text).join('');
  const [, title] = /^# (.*)\n/.exec(text) ?? [];
  if (!title) throw new Error(`${file} does not begin with its heading.`);
  document.name = title.replaceAll('`', '');
}

/** The public names that nobody has described. */
function withoutDocstring(project: ProjectReflection): string[] {
  const described = (item: DeclarationReflection): boolean =>
    item.hasComment() || (item.signatures?.some((signature) => signature.hasComment()) ?? false);
  return (project.children ?? []).flatMap((module) =>
    (module.children ?? [])
      .filter((item) => item.kind !== ReflectionKind.Reference && !described(item))
      .map((item) => `${module.name} ${item.name}`),
  );
}

/** What TypeDoc's script puts a style into the page with, for filters, of which there are none here. */
const STYLE = 'document.head.appendChild(document.createElement("style"))';

/** Without what a strict content security policy forbids, and with that policy; with a link to the page that trains. */
function strict(html: string, page: string | null): string {
  const policy = `<head><meta http-equiv="Content-Security-Policy" content="${POLICY}"/>`;
  let strict = replaced(html, /<body><script>[^<]*<\/script>/, '<body>');
  strict = replaced(strict, '<head>', policy);
  if (page !== null) strict = replaced(strict, '<div id="tsd-toolbar-links">', `$&<a href="${page}">Train a net</a>`);
  strict = replaced(strict, '<div class="col-content">', '<div class="col-content" role="main">');
  return strict.replaceAll(' style="text-align:right"', ' class="right"');
}

/** @throws {Error} where there is nothing to replace. */
function replaced(text: string, what: string | RegExp, by: string): string {
  const after = text.replace(what, by);
  if (after === text) throw new Error(`TypeDoc writes its pages in another way than it did: there is no ${what}`);
  return after;
}
