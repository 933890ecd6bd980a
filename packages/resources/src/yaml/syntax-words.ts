/** The YAML parser's errors in plain words, with what to do. Matching on its codes and texts is confined to this file. */
import type { ErrorCode } from 'yaml';
import type { DiagnosticCode } from '../diagnostic-codes.ts';

export interface SyntaxWords {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy: string;
}

const LOOK_AROUND = 'Check the quotes, brackets, commas, colons and indentation of this line and the one before.';
const TAG: SyntaxWords = {
  code: 'yaml.tag',
  message: 'YAML tags are not allowed.',
  remedy: 'Remove the "!" and what belongs to it.',
};
const LONELY_KEY = syntax(
  'A key is not followed by ": " on its own line',
  'Write KEY: VALUE, with a space after the colon.',
);

/** Errors whose code says it all; of the others the parser's own words are kept. */
const WORDS: Readonly<Partial<Record<ErrorCode, SyntaxWords>>> = {
  TAB_AS_INDENT: syntax('A tab is used for indentation', 'Indent with spaces.'),
  BAD_INDENT: syntax(
    'The indentation does not fit the lines above',
    'Give all items of one mapping or list the same number of spaces.',
  ),
  BLOCK_AS_IMPLICIT_KEY: syntax(
    'A second ": " stands where a plain value was expected',
    'Put the value in quotes, or start the nested mapping on a new line.',
  ),
  MULTILINE_IMPLICIT_KEY: LONELY_KEY,
  KEY_OVER_1024_CHARS: LONELY_KEY,
  BAD_SCALAR_START: syntax('A value cannot start with this character', 'Put the value in quotes.'),
  BAD_DQ_ESCAPE: syntax('Unknown escape in a double-quoted text', 'Use single quotes, or write \\\\ for a backslash.'),
  TAG_RESOLVE_FAILED: TAG,
  BAD_COLLECTION_TYPE: TAG,
  MULTIPLE_TAGS: TAG,
  NON_STRING_KEY: syntax(
    'A key is not plain text',
    'Write the key as one word, in quotes if it has special characters.',
  ),
  RESOURCE_EXHAUSTION: { code: 'yaml.too-deep', message: 'The document is nested too deeply.', remedy: 'Flatten it.' },
  BLOCK_IN_FLOW: syntax('An indented block stands inside [ ] or { }', 'Close the bracket first, or indent everything.'),
  BAD_DIRECTIVE: syntax('A line that starts with "%" is not a known directive', 'Remove the line.'),
};

const ANCHORS: ReadonlySet<ErrorCode> = new Set(['BAD_ALIAS', 'ALIAS_PROPS', 'MULTIPLE_ANCHORS', 'BAD_PROP_ORDER']);

/** @param original the parser's own message */
export function syntaxWords(code: ErrorCode, original: string): SyntaxWords {
  const detail = original.split('\n', 1)[0] ?? '';
  if (code === 'MISSING_CHAR' && /closing ["']quote/.test(detail)) {
    return syntax('A quote is not closed', 'Add the closing quote.');
  }
  if (code === 'BAD_INDENT' && /flow/i.test(detail)) {
    return syntax('A "[" or "{" is not closed', 'Close the bracket, or indent what it contains.');
  }
  if (code === 'UNEXPECTED_TOKEN' && /at node end/.test(detail)) {
    return syntax('Something follows a value that is complete', 'Put the whole value into one pair of quotes.');
  }
  if (ANCHORS.has(code)) {
    return syntax(detail, 'Write an anchor as "&NAME" before its value and an alias as "*NAME" alone.');
  }
  return WORDS[code] ?? syntax(detail === '' ? 'The text is not YAML' : detail, LOOK_AROUND);
}

function syntax(message: string, remedy: string): SyntaxWords {
  return { code: 'yaml.syntax', message: `${message.replace(/[.\s]+$/, '')}.`, remedy };
}
