import { visibleLines } from '@routerd/resources';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { age, renderFields, renderStructured, renderTable } from '../src/output.ts';

test('columns line up and missing values are marked', () => {
  const rows = [
    { name: 'aws-router-a', epoch: 1 },
    { name: 'b', epoch: undefined },
  ];
  const text = renderTable(
    [
      { title: 'NAME', value: (row: (typeof rows)[number]) => row.name },
      { title: 'EPOCH', value: (row) => row.epoch },
    ],
    rows,
  );
  expect(text).toBe(['NAME          EPOCH', 'aws-router-a  1', 'b             <none>'].join('\n'));
});

test('a table without rows is its header', () => {
  expect(renderTable([{ title: 'NAME', value: () => '' }], [])).toBe('NAME');
});

test('fields line up behind their names', () => {
  expect(
    renderFields([
      ['Node', 'a'],
      ['Federation', undefined],
    ]),
  ).toBe('Node:       a\nFederation: <none>');
});

test.each([
  [999, '0s'],
  [119_999, '119s'],
  [120_000, '2m'],
  [7_200_000, '2h'],
  [172_800_000, '2d'],
  [-5, '0s'],
])('an age of %i ms reads %s', (milliseconds, text) => {
  expect(age(milliseconds)).toBe(text);
});

test('JSON and YAML carry the same value', () => {
  const value = { items: [{ name: 'x', addresses: ['10.77.60.10/32'] }] };
  expect(JSON.parse(renderStructured('json', value))).toEqual(value);
  expect(renderStructured('yaml', value)).toBe('items:\n  - name: x\n    addresses:\n      - 10.77.60.10/32');
});

test('what somebody else named cannot steer the terminal, nor add a row', () => {
  const hostile = '\u001b[2Ja\nb\u009b31m\u202ec';
  const written = String.raw`\u001b[2Ja\nb\u009b31m\u202ec`;
  expect(renderTable([{ title: 'NAME', value: () => hostile }], [{}])).toBe(`NAME\n${written}`);
  expect(renderFields([['Name', hostile]])).toBe(`Name: ${written}`);
  expect(visibleLines('two\nlines\tand \u0007')).toBe('two\nlines\tand \\u0007');
});

test.each(['json', 'yaml'] as const)('as %s it is the same value, without an escape sequence', (output) => {
  const value = { '\u009b31m': '\u001b[2Ja\nb\u009b31m\u007f\r', plain: 'tab\tä' };
  const text = renderStructured(output, value);
  expect(text).not.toMatch(/(?!\n|\t)\p{Cc}/u);
  expect(output === 'json' ? JSON.parse(text) : parse(text)).toEqual(value);
});
