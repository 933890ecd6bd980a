/** From the texts of startup-config to resources, with every problem placed and reported at once. */
import {
  compareDiagnostics,
  formatPath,
  type Diagnostic,
  type FieldPath,
  type Place,
  type Problem,
} from './diagnostic.ts';
import { identityOf, type Resource } from './resource.ts';
import { parseRouterDocument, type Router } from './router-document.ts';
import { parseResource } from './schema/parse-resource.ts';
import { memberOf } from './schema/schema-shape.ts';
import { parseSource, type SourceDocument } from './yaml/parse-source.ts';
import { placeOfSpan, spanOfField } from './yaml/source-place.ts';

/** A value and where its parts were written. */
export interface Located<T> {
  readonly value: T;
  /** Where the value stands: the name of a resource. */
  readonly place: Place;
  /** The place of a problem in the value, and the problem's path in the document. */
  readonly locate: (problem: Pick<Problem, 'path' | 'at'>) => Place & { readonly path: string };
}

export interface LoadedResources {
  /** Those that are valid by themselves, in the order of the sources. */
  readonly resources: readonly Located<Resource>[];
  /** Sorted by place. With an error among them nothing of the resources may be applied. */
  readonly diagnostics: readonly Diagnostic[];
  /** `Kind/name` of what was declared, but is invalid by itself. */
  readonly broken: ReadonlySet<string>;
  /** The Router that says `spec.reconcile`, if there is one. */
  readonly router: Located<Router> | undefined;
}

/** A document, or one entry of `spec.resources` of a `Router` document. */
interface Candidate {
  readonly document: SourceDocument;
  readonly prefix: FieldPath;
  readonly value: unknown;
}

/** Pure and total: no input makes it throw. Cost: linear in the text. */
export function loadResources(sources: readonly { readonly file: string; readonly text: string }[]): LoadedResources {
  const diagnostics: Diagnostic[] = [];
  const resources: Located<Resource>[] = [];
  const empty: string[] = [];
  const broken = new Set<string>();
  const firstByIdentity = new Map<string, Place>();
  let router: Located<Router> | undefined;
  for (const { file, text } of sources) {
    const parsed = parseSource(file, text);
    for (const diagnostic of parsed.diagnostics) diagnostics.push(diagnostic);
    const problems: Diagnostic[] = [];
    const found: Findings = { diagnostics: problems, router };
    const candidates = parsed.documents.flatMap((document) => candidatesOf(document, found));
    const saysNothing =
      candidates.length + parsed.diagnostics.length + problems.length === 0 && router === found.router;
    if (saysNothing) empty.push(file);
    router = found.router;
    for (const candidate of candidates) {
      const located = locatedBy(candidate);
      const duplicate = duplicateOf(located, firstByIdentity);
      if (duplicate !== undefined) problems.push(duplicate);
      const result = parseResource(candidate.value);
      if (result.ok) {
        if (duplicate === undefined) resources.push({ ...located, value: result.value });
        continue;
      }
      const found = result.error.problems.map((problem) => diagnose(problem, located));
      broken.add(found[0]?.resource ?? '');
      for (const diagnostic of found) problems.push(diagnostic);
    }
    for (const diagnostic of withoutEchoes(problems, parsed.diagnostics)) diagnostics.push(diagnostic);
  }
  const severity = resources.length === 0 ? 'error' : 'warning';
  diagnostics.push(...empty.map((file) => emptySource(file, severity)));
  return { resources, diagnostics: diagnostics.toSorted(compareDiagnostics), broken, router };
}

/** A value that YAML could not read is empty to the schema: what the schema says of it is an echo. */
function withoutEchoes(problems: readonly Diagnostic[], syntax: readonly Diagnostic[]): readonly Diagnostic[] {
  const reported = new Set(syntax.map(({ line, column }) => `${line}:${column}`));
  return problems.filter(({ line, column }) => !reported.has(`${line}:${column}`));
}

/** What is gathered besides resources while documents are read. */
interface Findings {
  readonly diagnostics: Diagnostic[];
  router: Located<Router> | undefined;
}

function keepRouter(router: Located<Router>, found: Findings): void {
  if (found.router === undefined) {
    found.router = router;
    return;
  }
  const { file, line } = found.router.place;
  const problem: Problem = {
    severity: 'error',
    code: 'router.reconcile-twice',
    path: ['spec', 'reconcile'],
    at: 'key',
    message: `Router/${found.router.value.metadata.name} at ${file}:${line} says spec.reconcile already; it is said once.`,
  };
  found.diagnostics.push(diagnose(problem, router));
}

function candidatesOf(document: SourceDocument, found: Findings): readonly Candidate[] {
  const { value } = document;
  const whole: Candidate = { document, prefix: [], value };
  if (memberOf(value, 'kind') !== 'Router') {
    if (!Array.isArray(value)) return [whole];
    const message = 'Found a list; expected a resource: a mapping with apiVersion, kind, metadata, spec.';
    const remedy = 'Separate resources by a line "---", or list them under spec.resources of a Router.';
    const problem: Problem = {
      severity: 'error',
      code: 'document.not-a-mapping',
      path: [],
      at: 'key',
      message,
      remedy,
    };
    found.diagnostics.push(diagnose(problem, locatedBy(whole)));
    return [];
  }
  const { router, problems } = parseRouterDocument(value);
  for (const problem of problems) found.diagnostics.push(diagnose(problem, locatedBy(whole)));
  if (router !== undefined) keepRouter({ ...locatedBy(whole), value: router }, found);
  const entries = memberOf(memberOf(value, 'spec'), 'resources');
  if (!Array.isArray(entries)) return [];
  return entries.map((entry: unknown, index) => ({ document, prefix: ['spec', 'resources', index], value: entry }));
}

function locatedBy({ document, prefix, value }: Candidate): Located<unknown> {
  const locate: Located<unknown>['locate'] = ({ path, at }) => {
    const full = [...prefix, ...path];
    return { ...placeOfSpan(document.source, spanOfField(document.root, full, at)), path: formatPath(full) };
  };
  const { path: _, ...place } = locate({ path: ['metadata', 'name'], at: 'value' });
  return { value, place, locate };
}

/** Broken resources count too, as far as they have a kind and a name: two mistakes are reported in one go. */
function duplicateOf(located: Located<unknown>, first: Map<string, Place>): Diagnostic | undefined {
  const apiVersion = memberOf(located.value, 'apiVersion');
  const kind = memberOf(located.value, 'kind');
  const name = memberOf(memberOf(located.value, 'metadata'), 'name');
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return undefined;
  const identity = identityOf({ apiVersion, kind, metadata: { name } });
  const earlier = first.get(identity);
  if (earlier === undefined) {
    first.set(identity, located.place);
    return undefined;
  }
  const at = `${earlier.file}:${earlier.line}:${earlier.column}`;
  const problem: Problem = {
    severity: 'error',
    code: 'resource.duplicate',
    path: ['metadata', 'name'],
    at: 'value',
    message: `${kind}/${name} is already declared at ${at}; an identity (apiVersion, kind, name) may occur once.`,
    remedy: 'Rename or remove one of the two.',
  };
  return diagnose(problem, located);
}

/** A problem with the place of what it is about. */
export function diagnose(problem: Problem, located: Located<unknown>): Diagnostic {
  const { severity, code, message, remedy } = problem;
  const kind = memberOf(located.value, 'kind');
  const name = memberOf(memberOf(located.value, 'metadata'), 'name');
  return {
    severity,
    code,
    ...located.locate(problem),
    ...(typeof kind === 'string' && typeof name === 'string' ? { resource: `${kind}/${name}` } : {}),
    message,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function emptySource(file: string, severity: Diagnostic['severity']): Diagnostic {
  return {
    severity,
    code: 'document.empty',
    file,
    line: 1,
    column: 1,
    endColumn: 2,
    path: '',
    message: 'The file declares no resource.',
    remedy: 'Add resources, or remove the file.',
  };
}
