/** The reference names every command; what each does, its own help says. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '@stricli/core';
import { expect, test } from 'vitest';
import { application } from '../src/application.ts';

const REFERENCE = path.resolve(import.meta.dirname, '../../../docs/reference/routerctl.md');

interface Documented {
  /** `routerctl action list` */
  readonly name: string;
  readonly text: string;
}

async function commandsBelow(words: readonly string[]): Promise<readonly Documented[]> {
  let text = '';
  const stdout = { write: (more: string): void => void (text += more) };
  await run(application, [...words, '--help'], { process: { stdout, stderr: stdout, env: {} }, now: () => 0 });
  const below = /^COMMANDS\n(?<list>(?: {2}.*\n)+)/m.exec(text)?.groups?.['list'];
  if (below === undefined) return [{ name: ['routerctl', ...words].join(' '), text }];
  const names = [...below.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name);
  return (await Promise.all(names.map(async (name) => commandsBelow([...words, name])))).flat();
}

const commands = await commandsBelow([]);

test('every command stands in the reference', () => {
  const rows = readFileSync(REFERENCE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|')[1] ?? '');
  const isNamed = (name: string): boolean => {
    const words = name.split(' ').slice(1);
    return rows.some((row) => words.every((word) => new RegExp(`[\` ]${word}[\` ]`).test(row)));
  };
  expect(commands.map(({ name }) => name).filter((name) => !isNamed(name))).toEqual([]);
});

/** `$ routerctl …`, `  routerctl … | jq`, in a fenced block: up to what the shell takes for itself, or a comment. */
function commandsIn(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => /^(?:pnpm lab shell \S+ |\$ |sudo )? *(routerctl [a-z].*)$/.exec(line)?.[1] ?? []);
}

/** What is wrong with an example: no such command, or a flag that its help does not know. */
function wrongIn(example: string): string | undefined {
  const typed = example.replace(/ {2,}.*| [#|<>&].*|;.*/, '');
  const command = commands.find(({ name }) => `${typed} `.startsWith(`${name} `));
  if (command === undefined) return `${example}: no such command`;
  const isKnown = (flag: string): boolean => command.text.includes(flag) || flag === '--help';
  const unknown = (typed.match(/ --[a-z-]+/g) ?? []).map((flag) => flag.trim()).filter((flag) => !isKnown(flag));
  return unknown.length === 0 ? undefined : `${example}: no such flag ${unknown.join(', ')}`;
}

test('what help shows as an example is a command that there is, with flags that it knows', () => {
  const examples = commands.flatMap(({ text }) =>
    commandsIn(text.slice(text.indexOf('EXAMPLES')).replaceAll(/^ {2}/gm, '')),
  );
  expect(examples.length).toBeGreaterThan(50);
  expect(examples.flatMap((example) => wrongIn(example) ?? [])).toEqual([]);
});

test('every command shows an example of its use', () => {
  expect(commands.filter(({ text }) => !text.includes('EXAMPLES')).map(({ name }) => name)).toEqual([]);
});

test('the documents show commands that there are', () => {
  const root = path.resolve(REFERENCE, '../../..');
  const documents = [
    'README.md',
    ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
  ];
  const examples = documents
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => commandsIn(readFileSync(path.join(root, name), 'utf8')));
  expect(examples.length).toBeGreaterThan(20);
  expect(examples.flatMap((example) => wrongIn(example) ?? [])).toEqual([]);
});
