import { LinkChecker } from 'linkinator';

/**
 * Follows every link of a folder of pages to files and places on pages; those to other hosts are left alone.
 *
 * @throws {Error} that lists the broken ones
 */
export async function assertLinks(folder: string): Promise<void> {
  const { links } = await new LinkChecker().check({
    ...{ path: '.', serverRoot: folder, recurse: true, checkFragments: true, checkCss: true },
    linksToSkip: ['^(?!http://localhost:)'],
  });
  const broken = links.filter(({ state }) => state === 'BROKEN').map(({ url, parent }) => `${url} on ${parent ?? url}`);
  if (broken.length > 0) throw new Error(`Links that lead nowhere:\n${broken.join('\n')}`);
}
