/** How a diagnostic looks in a terminal. */
import { describe, expect, it } from 'vitest';
import { diagnosticToJson, renderDiagnostic, renderDiagnostics, type Diagnostic } from '../src/index.ts';

const at = (line: number, column: number, endColumn: number): Diagnostic => ({
  severity: 'error',
  code: 'field.unknown',
  file: 'a.yaml',
  line,
  column,
  endColumn,
  path: 'spec.x',
  message: 'Unknown field "x".',
});

describe('renderDiagnostic', () => {
  it('shows the line before, the line, the underline and the line after', () => {
    expect(renderDiagnostic(at(2, 3, 5), 'one\n  two\nthree\nfour')).toBe(
      'a.yaml:2:3: error: Unknown field "x". [field.unknown]\n  in spec.x\n  1 | one\n  2 |   two\n    |   ^^\n  3 | three',
    );
  });

  it('keeps tabs, so that the underline stands below what it is about', () => {
    expect(renderDiagnostic(at(1, 3, 4), '\t\tx')).toContain('  1 | \t\tx\n    | \t\t^');
  });

  it('aligns line numbers of different width', () => {
    const text = Array.from({ length: 11 }, (_, n) => `line ${n + 1}`).join('\n');
    expect(renderDiagnostic(at(9, 1, 2), text)).toContain('   8 | line 8\n   9 | line 9\n     | ^\n  10 | line 10');
  });

  it('cuts a very long line around the place', () => {
    const frame = renderDiagnostic(at(1, 5001, 5004), `${'a'.repeat(5000)}bcd${'e'.repeat(5000)}`).split('\n');
    expect(frame[2]?.length).toBeLessThan(180);
    expect(frame[2]?.indexOf('bcd')).toBe(frame[3]?.indexOf('^^^'));
  });

  it('passes no control character on to the terminal', () => {
    expect(renderDiagnostic(at(1, 1, 2), '\u001b[31mred\u0000')).toContain('| \ufffd[31mred\ufffd\n');
  });

  it('does without a frame when the text is not at hand', () => {
    expect(renderDiagnostic(at(7, 1, 2), 'short')).toBe(
      'a.yaml:7:1: error: Unknown field "x". [field.unknown]\n  in spec.x',
    );
  });

  it('has every member in JSON, absent ones as null', () => {
    expect(diagnosticToJson(at(1, 2, 3))).toEqual({
      severity: 'error',
      code: 'field.unknown',
      file: 'a.yaml',
      line: 1,
      column: 2,
      endColumn: 3,
      path: 'spec.x',
      resource: null,
      message: 'Unknown field "x".',
      remedy: null,
    });
  });
});
describe('renderDiagnostics', () => {
  it('renders each in the source that it is about', () => {
    const sources = [
      { file: 'a.yaml', text: 'one\r\n  two' },
      { file: 'b.yaml', text: 'uno\n  due' },
    ];
    const both = [at(2, 3, 6), { ...at(1, 1, 4), file: 'b.yaml' }, { ...at(1, 1, 2), file: 'lost.yaml' }];
    const alone = ['one\r\n  two', 'uno\n  due', ''].map((text, position) => {
      const diagnostic = both[position];
      return diagnostic === undefined ? '' : renderDiagnostic(diagnostic, text);
    });
    expect(renderDiagnostics(both, sources)).toEqual(alone);
  });
});
