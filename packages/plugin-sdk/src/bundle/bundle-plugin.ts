/**
 * A plugin and all that it imports in a few files: its process starts several times faster and takes a third less memory (ADR 0019).
 * Bundles are kept by content: what was bundled once is found again, and a changed source, lockfile, bundler or Node makes another one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown, VERSION } from 'rolldown';

export interface BundleOptions {
  /** The plugin's: `package.json` and `src/main.ts` are in it. */
  readonly folder: string;
  /** Where bundles are kept; made if it is not there. */
  readonly cacheDir: string;
  /** Other bundles of this plugin that are older than that are removed, in ms. Only where nobody runs them any more. */
  readonly forgetAfterMs?: number;
}

export interface PluginBundle {
  /** What to run: `node <main>`. */
  readonly main: string;
  /** False where the cache had it. */
  readonly isNew: boolean;
  readonly bytes: number;
}

/** Beside the plugin's own sources: the SDK, without which no plugin is. */
const SDK_SOURCES = path.join(import.meta.dirname, '..');
const LOCKFILES = ['pnpm-lock.yaml', 'package-lock.json', 'yarn.lock'] as const;

/**
 * Safe to call from several processes at once: each makes its own, and the first one stays.
 * @throws what the bundler throws, for example where a package is not installed
 */
export async function bundlePlugin({ folder, cacheDir, forgetAfterMs }: BundleOptions): Promise<PluginBundle> {
  const entry = path.join(folder, 'src/main.ts');
  const name = path.basename(path.resolve(folder));
  const kept = path.join(cacheDir, `${name}-${contentKey(folder)}`);
  const isNew = !existsSync(kept);
  if (isNew) {
    const making = `${kept}.${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      await write(entry, making);
      keep(making, kept);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    if (forgetAfterMs !== undefined) forget(globSync(path.join(cacheDir, `${name}-*`)), forgetAfterMs);
  }
  const files = globSync('*', { cwd: kept });
  const bytes = files.reduce((sum, file) => sum + statSync(path.join(kept, file)).size, 0);
  return { main: path.join(kept, 'main.mjs'), isNew, bytes };
}

async function write(entry: string, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  // Names are kept: errors are told apart by them. Code that is only reached by a dynamic import stays in a file of its own.
  const bundle = await rolldown({ input: entry, platform: 'node', logLevel: 'silent' });
  try {
    await bundle.write({ dir: directory, format: 'esm', keepNames: true, entryFileNames: 'main.mjs' });
  } finally {
    await bundle.close();
  }
  writeFileSync(path.join(directory, 'package.json'), '{ "type": "module" }\n');
}

/** Whoever comes second finds the same content there. */
function keep(making: string, kept: string): void {
  try {
    renameSync(making, kept);
  } catch (cause) {
    if (!existsSync(kept)) throw cause;
  }
}

function forget(bundles: readonly string[], afterMs: number): void {
  for (const bundle of bundles) {
    const age = Date.now() - (statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > afterMs) rmSync(bundle, { recursive: true, force: true });
  }
}

function contentKey(folder: string): string {
  const hash = createHash('sha256').update(`${VERSION} ${process.version} ${process.arch}\0`);
  const lockfile = nearest(folder, LOCKFILES);
  const sources = [path.join(folder, 'src'), SDK_SOURCES].flatMap((root) =>
    globSync('**/*.ts', { cwd: root })
      .toSorted()
      .map((file) => path.join(root, file)),
  );
  for (const file of [...sources, path.join(folder, 'package.json'), ...(lockfile === undefined ? [] : [lockfile])])
    hash
      .update(`${path.relative(folder, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** The first of `names` in the folder or above it. */
function nearest(folder: string, names: readonly string[]): string | undefined {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = names.map((name) => path.join(at, name)).find((file) => existsSync(file));
    if (found !== undefined || at === path.dirname(at)) return found;
  }
}
