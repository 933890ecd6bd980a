/** What the linter cannot say about the tree: sizes, names, and traces that do not belong into a repository. Pure. */
import allow from './allow.json' with { type: 'json' };

export interface SourceFile {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly text: string;
}

const LINES_MAX = 500;
/** These files spell out what the rules look for. */
const ITSELF = /^(tools\/tidy|test\/architecture)\//;
const EMPTY_NAMES = /(^|\/)(utils?|helpers?|common|misc|manager|base)(\.ts|\/)/;
const allowedLength: Readonly<Record<string, { readonly lines: number }>> = allow.longFiles;

interface Rule {
  readonly applies: (file: string) => boolean;
  readonly finds: RegExp;
  readonly finding: string;
}

const isSource = (file: string): boolean => /\.(ts|mjs)$/.test(file) && !ITSELF.test(file);
const isTest = (file: string): boolean => file.endsWith('.test.ts');
const isProduct = (file: string): boolean => isSource(file) && /\/src\//.test(file) && !isTest(file);

const RULES: readonly Rule[] = [
  { applies: isSource, finds: /^export \* from/m, finding: 'uses export *; list the names' },
  { applies: isProduct, finds: /^export default /m, finding: 'has a default export; name it' },
  {
    applies: isSource,
    finds: /@ts-ignore|@ts-expect-error|oxlint-disable(?!-next-line [a-z-/]+ --)/,
    finding: 'silences the compiler or the linter without a reason',
  },
  {
    applies: (file) => isTest(file) && !ITSELF.test(file),
    finds: /\b(it|test|describe)\.(skip|only|todo|fails)\b/,
    finding: 'has a test that is switched off',
  },
  { applies: isProduct, finds: /\b(TODO|FIXME|XXX|HACK)\b/, finding: 'leaves work for later' },
  {
    applies: (file) => !ITSELF.test(file) && !isTest(file),
    finds: /registry\.npmjs|deb\.debian\.org/,
    finding: 'names a registry host',
  },
];

/** @returns one line per finding, sorted; none when the tree is tidy */
export function tidyFindings(files: readonly SourceFile[]): readonly string[] {
  const findings = files.flatMap(({ file, text }) => [
    ...nameFindings(file),
    ...lengthFindings(file, text),
    ...RULES.filter(({ applies, finds }) => applies(file) && finds.test(text)).map(
      ({ finding }) => `${file}: ${finding}`,
    ),
  ]);
  return findings.toSorted();
}

function nameFindings(file: string): readonly string[] {
  return isSource(file) && EMPTY_NAMES.test(file) ? [`${file}: the name says nothing; name the noun it defines`] : [];
}

function lengthFindings(file: string, text: string): readonly string[] {
  if (!isSource(file)) return [];
  const lines = text.split('\n').length - 1;
  const limit = allowedLength[file]?.lines ?? LINES_MAX;
  return lines > limit ? [`${file}: ${lines} lines, longer than ${limit} lines`] : [];
}
