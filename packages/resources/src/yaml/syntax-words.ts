/** The YAML parser's errors in plain words, with what to do. Text matching on its codes is confined to this file. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import type { ErrorCode } from 'yaml';

export interface SyntaxWords {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy: string;
}

/** @param original the parser's own message, one line, kept where it says more than we could */
export function syntaxWords(code: ErrorCode, original: string): SyntaxWords {
  const detail = original.split('\n', 1)[0] ?? '';
  switch (code) {
    case 'TAB_AS_INDENT':
      return syntax('A tab is used for indentation', 'Indent with spaces.');
    case 'BAD_INDENT':
      if (/flow/i.test(detail))
        return syntax('A "[" or "{" is not closed', 'Close the bracket, or indent what it contains.');
      return syntax(
        'The indentation does not fit the lines above',
        'Give all items of one mapping or list the same number of spaces.',
      );
    case 'BLOCK_AS_IMPLICIT_KEY':
      return syntax(
        'A second ": " stands where a plain value was expected',
        'Put the value in quotes, or start the nested mapping on a new line.',
      );
    case 'MULTILINE_IMPLICIT_KEY':
    case 'KEY_OVER_1024_CHARS':
      return syntax('A key is not followed by ": " on its own line', 'Write KEY: VALUE, with a space after the colon.');
    case 'MISSING_CHAR':
      if (/closing ["']quote/.test(detail)) return syntax('A quote is not closed', 'Add the closing quote.');
      return syntax(
        detail === '' ? 'A character is missing' : detail,
        'Check the quotes, brackets, commas and colons of this line and the one before.',
      );
    case 'BAD_SCALAR_START':
      return syntax('A value cannot start with this character', 'Put the value in quotes.');
    case 'BAD_DQ_ESCAPE':
      return syntax('Unknown escape in a double-quoted text', 'Use single quotes, or write \\\\ for a backslash.');
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_COLLECTION_TYPE':
    case 'MULTIPLE_TAGS':
      return {
        code: 'yaml.tag',
        message: 'YAML tags are not allowed.',
        remedy: 'Remove the "!" and what belongs to it.',
      };
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
    case 'MULTIPLE_ANCHORS':
    case 'BAD_PROP_ORDER':
      return syntax(detail, 'Write an anchor as "&NAME" before its value and an alias as "*NAME" alone.');
    case 'NON_STRING_KEY':
      return syntax('A key is not plain text', 'Write the key as one word, in quotes if it has special characters.');
    case 'RESOURCE_EXHAUSTION':
      return { code: 'yaml.too-deep', message: 'The document is nested too deeply.', remedy: 'Flatten it.' };
    case 'BLOCK_IN_FLOW':
      return syntax(
        'An indented block stands inside [ ] or { }',
        'Close the bracket first, or write everything indented.',
      );
    case 'BAD_DIRECTIVE':
      return syntax('A line that starts with "%" is not a known directive', 'Remove the line.');
    case 'UNEXPECTED_TOKEN':
      if (/at node end/.test(detail)) {
        return syntax('Something follows a value that is complete', 'Put the whole value into one pair of quotes.');
      }
      return syntax(detail, 'Check the quotes, brackets and indentation of this line and the one before.');
    case 'DUPLICATE_KEY':
    case 'MULTIPLE_DOCS':
    case 'IMPOSSIBLE':
      return syntax(detail, 'Check the quotes, brackets and indentation of this line and the one before.');
    default:
      return syntax(detail, 'Check this line and the one before.');
  }
}

function syntax(message: string, remedy: string): SyntaxWords {
  return { code: 'yaml.syntax', message: `${message.replace(/[.\s]+$/, '')}.`, remedy };
}
