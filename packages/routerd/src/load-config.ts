/** Startup-config from disk: read, parsed, checked. Nothing of it may be used when there is an error. */
import {
  diagnosticToJson,
  err,
  hasErrors,
  loadConfiguration,
  ok,
  renderDiagnostics,
  visibleLines,
  type Diagnostic,
  type ReconcileSettings,
  type Resource,
  type Result,
} from '@routerd/resources';
import { readConfigSources, type ConfigReadFault, type ConfigSource } from './config-files.ts';

export interface LoadedConfig {
  readonly resources: readonly Resource[];
  readonly sources: readonly ConfigSource[];
  /** Warnings, and errors when there are any. */
  readonly diagnostics: readonly Diagnostic[];
  readonly valid: boolean;
  /** What a Router says of how this host is changed; undefined where none does. */
  readonly reconcile: ReconcileSettings | undefined;
}

export function loadConfig(location: string): Result<LoadedConfig, ConfigReadFault> {
  const sources = readConfigSources(location);
  if (!sources.ok) return err(sources.error);
  const { resources, diagnostics, router } = loadConfiguration(sources.value);
  return ok({
    resources: resources.map(({ value }) => value),
    sources: sources.value,
    diagnostics,
    valid: !hasErrors(diagnostics),
    reconcile: router?.value.spec.reconcile,
  });
}

/** Every diagnostic with its code frame, and a closing line that counts them. */
export function renderConfigReport(location: string, { diagnostics, sources, resources, valid }: LoadedConfig): string {
  const rendered = renderDiagnostics(diagnostics, sources);
  const count = (severity: Diagnostic['severity']): string => {
    const found = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return `${found} ${severity}${found === 1 ? '' : 's'}`;
  };
  const verdict = valid
    ? `config is valid: ${resources.length} resources in ${location}`
    : `config is not valid: nothing of ${location} is applied`;
  const lines = [...rendered, `${verdict} (${count('error')}, ${count('warning')})`];
  return visibleLines(lines.join('\n'));
}

export function configReportToJson(location: string, { diagnostics, resources, valid }: LoadedConfig): unknown {
  return { location, valid, resources: resources.length, diagnostics: diagnostics.map(diagnosticToJson) };
}
