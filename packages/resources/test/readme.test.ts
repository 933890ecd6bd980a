/** The example of the README: it stands here too, so that it is compiled and run. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// example begins
import { hasErrors, loadConfiguration, ofKind, renderDiagnostics } from '@routerd/resources';

/** What a file declares, or everything that is wrong with it. */
function interfacesOf(file: string, text: string): readonly string[] {
  const sources = [{ file, text }];
  const { resources, diagnostics } = loadConfiguration(sources);
  if (hasErrors(diagnostics)) return renderDiagnostics(diagnostics, sources); // nothing of it may be applied
  const values = resources.map(({ value }) => value);
  return ofKind(values, 'Interface').map(({ spec }) => spec.ifname);
}
// example ends

test('the example of the README is what stands here, and works', () => {
  const own = readFileSync(new URL(import.meta.url), 'utf8');
  const example = own.slice(own.indexOf('// example begins\n') + 18, own.indexOf('// example ends'));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  const text = (field: string): string =>
    `apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: lan}\nspec: {${field}: lan0}\n`;
  expect(interfacesOf('router.yaml', text('ifname'))).toEqual(['lan0']);
  expect(interfacesOf('router.yaml', text('ifnam')).join('\n')).toContain('remedy: Did you mean "ifname"?');
});
