/** Metadata services are trees of text: a folder lists its children, a leaf is a value. */
export interface MetadataFolder {
  readonly [name: string]: MetadataNode;
}
export type MetadataNode = string | MetadataFolder;

/** Follows a path; empty segments, as of a double or trailing slash, do not count. */
export function nodeAt(root: MetadataFolder, path: string): MetadataNode | undefined {
  let node: MetadataNode | undefined = root;
  for (const segment of path.split('/').filter((each) => each !== '')) {
    if (node === undefined || typeof node === 'string') return undefined;
    node = Object.hasOwn(node, segment) ? node[segment] : undefined;
  }
  return node;
}

/** One child a line, folders with a slash. */
export function listingOf(folder: MetadataFolder): string {
  return Object.entries(folder)
    .map(([name, node]) => (typeof node === 'string' ? name : `${name}/`))
    .join('\n');
}
