/** One source text to its documents. The only place that calls the YAML parser, and where its exceptions end. */
import { isNode, parseAllDocuments, type Document, type YAMLError } from 'yaml';
import type { Diagnostic } from '../diagnostic.ts';
import { ALIASED_VALUES_MAX, readNodes, type AliasBudget, type NodeFault } from './read-nodes.ts';
import { placedSource, placeOfSpan, type PlacedSource, type SourceNode } from './source-place.ts';
import { unreadableText } from './source-text.ts';
import { syntaxWords } from './syntax-words.ts';

export interface SourceDocument {
  readonly source: PlacedSource;
  readonly value: unknown;
  readonly root: SourceNode;
}

export interface ParsedSource {
  /** Documents that can be looked at further, in order; empty ones are left out. */
  readonly documents: readonly SourceDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Never throws. A document with a syntax error is reported and left out; the others of the file are read. */
export function parseSource(file: string, text: string): ParsedSource {
  const unreadable = unreadableText(file, text);
  if (unreadable !== undefined) return { documents: [], diagnostics: [unreadable] };
  const source = placedSource(file, text);
  const budget: AliasBudget = { left: ALIASED_VALUES_MAX };
  try {
    const parsed = parseAllDocuments(text, {
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false, // the parser compares each key with all before it; readNodes looks it up
      version: '1.2',
      logLevel: 'silent',
    });
    const read = ('empty' in parsed ? [] : parsed).map((document) => readDocument(document, source, budget));
    return {
      documents: read.flatMap(({ document }) => (document === undefined ? [] : [document])),
      diagnostics: read.flatMap(({ diagnostics }) => diagnostics),
    };
  } catch (cause) {
    // The parser recurses: hostile nesting can exhaust the stack in places that it does not guard itself.
    const message = `The YAML parser gave up: ${cause instanceof Error ? cause.message : String(cause)}.`;
    const fault = { start: 0, end: 1, code: 'yaml.too-deep', message, remedy: 'Flatten the document.' } as const;
    return { documents: [], diagnostics: [diagnosticOf(source, fault)] };
  }
}

function readDocument(
  document: Document.Parsed,
  source: PlacedSource,
  budget: AliasBudget,
): { readonly document: SourceDocument | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const broken = [...document.errors, ...document.warnings].map((fault) => faultOf(fault));
  const diagnostics = onePerLine(broken.map((fault) => diagnosticOf(source, fault)));
  const version = document.directives.yaml;
  if (version.explicit === true && version.version !== '1.2') {
    diagnostics.push(
      diagnosticOf(source, {
        start: 0,
        end: 1,
        code: 'yaml.version',
        message: `YAML ${version.version} is not supported.`,
        remedy: 'Remove the %YAML line: files are YAML 1.2.',
      }),
    );
  }
  const { contents } = document;
  if (broken.length > 0 || !isNode(contents)) return { document: undefined, diagnostics };
  if ('value' in contents && contents.value === null) return { document: undefined, diagnostics };
  const { read, faults } = readNodes(contents, budget);
  return {
    document: { source, value: read.value, root: read.source },
    diagnostics: diagnostics.concat(faults.map((fault) => diagnosticOf(source, fault))),
  };
}

function faultOf(fault: YAMLError): NodeFault {
  const [start, end] = fault.pos;
  return { start, end, ...syntaxWords(fault.code, fault.message) };
}

/** A document that is not YAML at all would be reported line by line. */
const SYNTAX_ERRORS_MAX = 20;

/** What follows the first error of a line is mostly its echo. */
function onePerLine(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return diagnostics.filter(({ line }) => !seen.has(line) && seen.add(line)).slice(0, SYNTAX_ERRORS_MAX);
}

function diagnosticOf(source: PlacedSource, { start, end, code, message, remedy }: NodeFault): Diagnostic {
  return { severity: 'error', code, ...placeOfSpan(source, { start, end }), path: '', message, remedy };
}
