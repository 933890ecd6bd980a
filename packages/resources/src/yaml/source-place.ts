/** From offsets in a source and paths in its document to places. */
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
  /** Offset of the first character of each line. Counted here: in damaged text the parser's own counter was seen to miss some. */
  readonly lineStarts: readonly number[];
}

/** Cost: linear in the text. */
export function placedSource(file: string, text: string): PlacedSource {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

export function placeOfSpan({ file, text, lineStarts }: PlacedSource, { start, end }: Span): Place {
  const line = lineOf(lineStarts, start);
  const column = start - (lineStarts[line - 1] ?? 0) + 1;
  return { file, line, column, endColumn: column + Math.max(1, firstLineEnd(text, start, end) - start) };
}

/** Binary search for the last line that starts at or before the offset. */
function lineOf(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
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
