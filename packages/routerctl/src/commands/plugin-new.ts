/** routerctl plugin new: a provider plugin to start from, copied from `plugins/fake` under another name. Needs no daemon. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildCommand } from '@stricli/core';
import { fail, type Context } from '../command-context.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../../../..');
const TEMPLATE = path.join(CHECKOUT, 'plugins/fake');
const PARTS = ['src', 'test', 'package.json', 'tsconfig.json', 'conformance.yaml', 'README.md'] as const;
/** What its sources, tests and types are found by; the last two only where the checkout has its tools. */
const MODULES = [
  ['@routerd/plugin-sdk', 'packages/plugin-sdk'],
  ['@types/node', 'node_modules/@types/node'],
  ['vitest', 'node_modules/vitest'],
] as const;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

interface NewFlags {
  readonly dir: string | undefined;
}

export const newCommand = buildCommand<NewFlags, [string], Context>({
  func(this: Context, { dir }: NewFlags, name: string) {
    if (!NAME.test(name) || name === 'fake') {
      return fail(this, {
        code: 'client.bad-name',
        message: `"${name}" is no name for a plugin`,
        remedy: 'lower-case words joined by hyphens: my-cloud',
      });
    }
    const folder = path.resolve(dir ?? path.join(CHECKOUT, 'plugins'), name);
    if (existsSync(folder))
      return fail(this, { code: 'client.exists', message: `${folder} exists`, remedy: 'choose another name or --dir' });
    try {
      scaffold(folder, name);
    } catch (cause) {
      const message = `${folder} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`;
      return fail(this, {
        code: 'client.not-written',
        message,
        remedy: 'remove what is there, and choose a --dir that can be written',
      });
    }
    this.process.stdout.write(
      [
        `${folder} has an executor for a cloud that is a file.`,
        `  routerctl plugin conformance ${folder}   # passes now`,
        '  write an adapter over the provider’s SDK behind src/provider.ts, and keep it passing: docs/how-to/provider-plugin.md',
        '',
      ].join('\n'),
    );
  },
  parameters: {
    flags: {
      dir: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Folder to make it in [default: plugins of this checkout]',
        placeholder: 'path',
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Name of the provider, my-cloud', parse: String, placeholder: 'name' }],
    },
  },
  docs: {
    brief: 'Begin a provider plugin, with tests that pass',
    fullDescription:
      'Begin a provider plugin, with tests that pass.\n\nEXAMPLES\n  routerctl plugin new my-cloud --dir /srv/plugins\n\nEXIT CODES\n  0 made   1 refused or failed   2 wrong usage',
  },
});

function scaffold(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS) cpSync(path.join(TEMPLATE, part), path.join(folder, part), { recursive: true });
  for (const file of filesIn(folder)) {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, renamed(text, name, path.relative(folder, CHECKOUT)));
  }
  // What `pnpm install` would do in a workspace: the plugin runs, is tested and type-checked without it, wherever it is.
  for (const [module, target] of MODULES) {
    const from = path.join(CHECKOUT, target);
    const link = path.join(folder, 'node_modules', module);
    mkdirSync(path.dirname(link), { recursive: true });
    if (existsSync(from)) symlinkSync(from, link);
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  );
}

/** In its identifiers, variables and texts; links lead to the checkout. */
function renamed(text: string, name: string, toCheckout: string): string {
  const pascal = name.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase());
  const upper = name.replaceAll('-', '_').toUpperCase();
  return text
    .replaceAll('createFakeExecutor', `create${pascal}Executor`)
    .replaceAll('FAKE_CLOUD_FILE', `${upper}_CLOUD_FILE`)
    .replaceAll('plugin-fake', `plugin-${name}`)
    .replaceAll('plugins/fake', name)
    .replaceAll('fake executor', `${name} executor`)
    .replaceAll("name: 'fake'", `name: '${name}'`)
    .replaceAll('fake-cloud', `${name}-cloud`)
    .replaceAll('../../', `${toCheckout}/`);
}
