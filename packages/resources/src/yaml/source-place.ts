/** From offsets in a source and paths in its document to places. */
import type { LineCounter } from 'yaml';
import type { FieldPath, Place } from '../diagnostic.ts';

/** Half-open range of UTF-16 offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where each value of a document stands. Behind an alias: where the anchored value stands, as that is what to mend. */
export interface SourceNode {
  readonly span: Span;
  /** Undefined for list items and for the document itself. */
  readonly key: Span | undefined;
  readonly children: ReadonlyMap<string, SourceNode>;
}

export interface PlacedSource {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
}

export function placeOfSpan({ file, text, lines }: PlacedSource, { start, end }: Span): Place {
  const { line, col } = lines.linePos(start);
  if (line === 0)
    return { file, line: 1, column: start + 1, endColumn: Math.max(start + 2, firstLineEnd(text, start, end) + 1) };
  const width = Math.max(1, firstLineEnd(text, start, end) - start);
  return { file, line, column: col, endColumn: col + width };
}

function firstLineEnd(text: string, start: number, end: number): number {
  const stretch = text.slice(start, end);
  const lineBreak = stretch.search(/[\r\n]/);
  return start + (lineBreak < 0 ? stretch : stretch.slice(0, lineBreak)).trimEnd().length;
}

/**
 * The span of a field; for what is not written, of its nearest ancestor.
 * @param at `key` asks for the name of the field rather than for its value
 */
export function spanOfField(root: SourceNode, path: FieldPath, at: 'key' | 'value'): Span {
  let node = root;
  for (const step of path) {
    const child = node.children.get(String(step));
    if (child === undefined) return keySpan(node);
    node = child;
  }
  return at === 'key' || node.children.size > 0 ? keySpan(node) : node.span;
}

/** The name of a field; a list item or a document has none, and is shown by its first field. */
function keySpan(node: SourceNode): Span {
  if (node.key !== undefined) return node.key;
  const [first] = node.children.values();
  return first?.key ?? node.span;
}
