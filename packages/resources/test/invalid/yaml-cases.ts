import { SOURCE_LENGTH_MAX } from '../../src/yaml/source-text.ts';
import type { InvalidCase } from './case.ts';

const lan = (body: string): string => `apiVersion: net.routerd.net/v1alpha1\nkind: Interface\n${body}`;

export const yamlCases: readonly InvalidCase[] = [
  { title: 'an empty file', text: '', codes: ['document.empty'] },
  { title: 'a file of comments', text: '# nothing yet\n---\n# here either\n', codes: ['document.empty'] },
  { title: 'a file of plain text', text: 'hello\n', codes: ['document.not-a-mapping'] },
  { title: 'a list of resources', text: '- kind: Interface\n- kind: Plugin\n', codes: ['document.not-a-mapping'] },
  { title: 'a NUL character', text: 'kind: a\u0000b\n', codes: ['yaml.not-text'] },
  { title: 'an escape sequence', text: '\u001b[31mkind: Interface\n', codes: ['yaml.not-text'] },
  { title: 'line ends of another age', text: 'kind: Interface\rmetadata: {}\r', codes: ['yaml.not-text'] },
  { title: 'bytes that are not UTF-8', text: 'kind: Interface\n# caf\ufffd\n', codes: ['yaml.not-utf8'] },
  { title: 'an unclosed list', text: 'kind: [Interface,\n', codes: ['yaml.syntax'] },
  { title: 'an unclosed quote', text: 'kind: "Interface\nmetadata: {}\n', codes: ['yaml.syntax'] },
  {
    title: 'an item that is indented too little',
    text: lan('metadata:\n  name: lan\n spec: {}\n'),
    codes: ['yaml.syntax'],
  },
  { title: 'a tab as indentation', text: lan('metadata:\n\tname: lan\n'), codes: ['yaml.syntax'] },
  { title: 'a colon without a space', text: lan('metadata:\n  name:lan\n  annotations: {}\n'), codes: ['yaml.syntax'] },
  { title: 'a colon in a plain value', text: lan('metadata:\n  name: lan: one\n'), codes: ['yaml.syntax'] },
  { title: 'a value that starts with @', text: lan('metadata:\n  name: @lan\n'), codes: ['yaml.syntax'] },
  { title: 'an unknown escape', text: lan('metadata:\n  name: "\\q"\n'), codes: ['yaml.syntax'] },
  {
    title: 'text after a quoted value',
    text: lan('metadata:\n  name: "lan" one\n'),
    codes: ['yaml.syntax'],
  },
  {
    title: 'a key written twice, and another mistake in the same document',
    text: lan('metadata:\n  name: lan\n  name: wan\nspec:\n  ifnam: lan0\n'),
    codes: ['yaml.duplicate-key', 'field.missing', 'field.unknown'],
  },
  {
    title: 'a tag',
    text: lan('metadata:\n  name: !secret lan\nspec:\n  ifname: lan0\n'),
    codes: ['yaml.tag'],
  },
  {
    title: 'another version of YAML',
    text: `%YAML 1.1\n---\n${lan('metadata: {name: lan}\nspec: {ifname: lan0}\n')}`,
    codes: ['yaml.version'],
  },
  {
    title: 'an alias without an anchor',
    text: lan('metadata:\n  name: *lan\nspec:\n  ifname: lan0\n'),
    codes: ['yaml.alias'],
  },
  {
    title: 'an alias inside its own anchor',
    text: lan('metadata: &all\n  name: lan\n  annotations: *all\nspec:\n  ifname: lan0\n'),
    codes: ['yaml.alias'],
  },
  {
    title: 'aliases of aliases that would add up to millions of values',
    text: `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n`,
    codes: ['kind.missing', 'yaml.alias-bomb'],
  },
  {
    title: 'a merge key',
    text: lan('metadata: &m\n  name: lan\nspec:\n  <<: *m\n  ifname: lan0\n'),
    codes: ['field.unknown'],
  },
  {
    title: 'the key __proto__',
    text: lan('metadata:\n  name: lan\n  __proto__: {a: b}\nspec:\n  ifname: lan0\n'),
    codes: ['yaml.key-not-allowed'],
  },
  {
    title: 'a list as a key',
    text: lan('metadata:\n  [a]: b\n  name: lan\nspec:\n  ifname: lan0\n'),
    codes: ['yaml.syntax'],
  },
  {
    title: 'nesting that is too deep',
    text: `kind: ${'['.repeat(100)}${']'.repeat(100)}\n`,
    codes: ['kind.unknown', 'yaml.too-deep'],
  },
  { title: 'a file that is too large', text: `# ${'x'.repeat(SOURCE_LENGTH_MAX)}\n`, codes: ['yaml.too-large'] },
  {
    title: 'a mistake after a document with a syntax error',
    text: `a: [\n---\n${lan('metadata:\n  name: lan\nspec:\n  ifname: lan0\n  mtu: 9\n')}`,
    codes: ['yaml.syntax', 'field.out-of-range'],
  },
];
