/** From the parser's nodes to plain values and their spans, with aliases resolved within bounds. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { SourceNode, Span } from './source-place.ts';

/** Deeper documents are refused; the deepest kind needs nine levels. */
export const DEPTH_MAX = 64;
/** How many values the aliases of one source may add up to: more is an alias bomb, not configuration. */
export const ALIASED_VALUES_MAX = 20_000;

/** Shared: most nodes are leaves, and the places of a large configuration are kept. */
const NO_CHILDREN: SourceNode['children'] = new Map();

export interface NodeFault extends Span {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy: string;
}

export interface ReadNode {
  readonly value: unknown;
  readonly source: SourceNode;
}

/** One per source, so that the bound on aliases holds for the source as a whole. */
export interface AliasBudget {
  left: number;
}

interface Reading {
  readonly anchors: Map<string, Node>;
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly open: Set<Node>;
  readonly budget: AliasBudget;
  readonly faults: NodeFault[];
}

/** @returns the value of a whole document; what could not be read is null and named in `faults` */
export function readNodes(
  contents: Node,
  budget: AliasBudget,
): { readonly read: ReadNode; readonly faults: readonly NodeFault[] } {
  const reading: Reading = { anchors: new Map(), open: new Set(), budget, faults: [] };
  const read = readNode(contents, undefined, 0, false, reading);
  return { read, faults: reading.faults };
}

function spanOf(node: Node | null | undefined): Span {
  const [start, end] = node?.range ?? [0, 0];
  return { start, end };
}

function readNode(
  node: Node | null | undefined,
  key: Span | undefined,
  depth: number,
  aliased: boolean,
  reading: Reading,
): ReadNode {
  const leaf = (value: unknown): ReadNode => ({
    value,
    source: { span: node ? spanOf(node) : (key ?? spanOf(node)), key, children: NO_CHILDREN },
  });
  if (node === null || node === undefined) return leaf(null);
  if (isAlias(node)) return readAlias(node.source, spanOf(node), key, depth, reading) ?? leaf(null);
  if (aliased && --reading.budget.left < 0) return leaf(null);
  if (isScalar(node)) {
    if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
    return leaf(node.value);
  }
  if (depth >= DEPTH_MAX) {
    fault(
      reading,
      spanOf(node),
      'yaml.too-deep',
      `The document is nested more than ${DEPTH_MAX} levels deep`,
      'Flatten it.',
    );
    return leaf(null);
  }
  if (!isMap(node) && !isSeq(node)) return leaf(null);
  if (node.anchor !== undefined) reading.anchors.set(node.anchor, node);
  reading.open.add(node);
  const inner = (child: unknown, childKey: Span | undefined): ReadNode =>
    readNode(isAnyNode(child) ? child : null, childKey, depth + 1, aliased, reading);
  const result = isMap(node)
    ? readMapping(node.items, spanOf(node), key, inner, reading)
    : readList(node.items, spanOf(node), key, inner);
  reading.open.delete(node);
  return result;
}

function isAnyNode(value: unknown): value is Node {
  return isAlias(value) || isScalar(value) || isMap(value) || isSeq(value);
}

function readMapping(
  pairs: readonly Pair[],
  span: Span,
  key: Span | undefined,
  inner: (child: unknown, childKey: Span) => ReadNode,
  reading: Reading,
): ReadNode {
  const members = new Map<string, ReadNode>();
  for (const pair of pairs) {
    const keyNode = isScalar(pair.key) ? pair.key : undefined;
    const keySpan = keyNode === undefined ? span : spanOf(keyNode);
    if (keyNode === undefined || typeof keyNode.value !== 'string') {
      fault(reading, keySpan, 'yaml.syntax', 'A key is not plain text', 'Write the key as one word.');
      continue;
    }
    if (keyNode.anchor !== undefined) reading.anchors.set(keyNode.anchor, keyNode);
    if (keyNode.value === '__proto__') {
      fault(reading, keySpan, 'yaml.key-not-allowed', 'The key "__proto__" is not allowed', 'Remove it.');
      continue;
    }
    const member = inner(pair.value, keySpan);
    if (members.has(keyNode.value)) {
      const message = `The key ${JSON.stringify(keyNode.value)} is written twice in one mapping`;
      fault(reading, keySpan, 'yaml.duplicate-key', message, 'Keep one of the two.');
    } else members.set(keyNode.value, member);
  }
  return {
    value: Object.fromEntries([...members].map(([name, { value }]) => [name, value])),
    source: { span, key, children: new Map([...members].map(([name, { source }]) => [name, source])) },
  };
}

function readList(
  items: readonly unknown[],
  span: Span,
  key: Span | undefined,
  inner: (child: unknown, childKey: undefined) => ReadNode,
): ReadNode {
  const read = items.map((item) => inner(item, undefined));
  return {
    value: read.map(({ value }) => value),
    source: { span, key, children: new Map(read.map(({ source }, index) => [String(index), source])) },
  };
}

function readAlias(
  name: string,
  span: Span,
  key: Span | undefined,
  depth: number,
  reading: Reading,
): ReadNode | undefined {
  const target = reading.anchors.get(name);
  if (target === undefined) {
    fault(
      reading,
      span,
      'yaml.alias',
      `The alias *${name} has no anchor &${name} before it`,
      'Define the anchor first.',
    );
    return undefined;
  }
  if (reading.open.has(target)) {
    fault(reading, span, 'yaml.alias', `The alias *${name} stands inside its own anchor`, 'Remove the alias.');
    return undefined;
  }
  const read = reading.budget.left < 0 ? undefined : readNode(target, key, depth, true, reading);
  if (reading.budget.left >= 0) return read;
  if (!reading.faults.some(({ code }) => code === 'yaml.alias-bomb')) {
    const message = `The aliases of this file add up to more than ${ALIASED_VALUES_MAX} values`;
    fault(reading, span, 'yaml.alias-bomb', message, 'Use fewer aliases of aliases.');
  }
  return undefined;
}

function fault(reading: Reading, span: Span, code: DiagnosticCode, message: string, remedy: string): void {
  reading.faults.push({ ...span, code, message: `${message}.`, remedy });
}
