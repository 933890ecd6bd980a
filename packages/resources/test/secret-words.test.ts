/** Reports end in logs, and files hold secrets by mistake: neither messages nor frames repeat them. */
import { describe, expect, it } from 'vitest';
import { diagnosticToJson, loadConfiguration, renderDiagnostic } from '../src/index.ts';

const SECRET = 'cGFzc3dvcmQgb2YgbWluZSwgdmVyeSBzZWNyZXQgaW5kZWVk';

/** The text and the JSON of everything that is reported. */
function told(text: string): string {
  const { diagnostics } = loadConfiguration([{ file: 'f.yaml', text }]);
  expect(diagnostics).not.toEqual([]);
  return diagnostics.map((each) => renderDiagnostic(each, text) + JSON.stringify(diagnosticToJson(each))).join('\n');
}

const wireGuard = (spec: string): string =>
  `apiVersion: net.routerd.net/v1alpha1\nkind: WireGuardInterface\nmetadata: {name: wg0}\nspec:\n${spec}`;

describe('a report', () => {
  it.each([
    ['beside its name', `  privateKey: ${SECRET}\n  listenPort: 0\n`],
    ['in quotes', `  listenPort: 0\n  privateKey: "${SECRET}"\n`],
    ['in place of the file that holds it', `  privateKeyFile: ${SECRET}\n  listenPort: 1\n`],
    ['in a block below its name', `  listenPort: 0\n  privateKey: |\n    ${SECRET}\n  mtu: 1\n`],
    ['below its name', `  privateKey:\n    ${SECRET}\n  listenPort: 0\n`],
    ['in one line with others', `  {listenPort: 0, "privateKey": ${SECRET}}\n`],
    ['under another name', `  listenPort: 0\n  presharedKey: ${SECRET}\n`],
    ['with an underscore', `  listenPort: 0\n  private_key: ${SECRET}\n`],
  ])('does not repeat a secret that stands %s', (_, spec) => {
    expect(told(wireGuard(spec))).not.toContain(SECRET.slice(0, 12));
  });

  it('says how long a text was that it does not repeat', () => {
    expect(told(wireGuard(`  privateKeyFile: ${SECRET}\n  listenPort: 1\n`))).toContain(
      `Found a text of ${SECRET.length} characters; expected an absolute path.`,
    );
  });

  it('covers the value where it stands, and nothing else', () => {
    const report = told(wireGuard(`  privateKey: abc\n  listenPort: 0\n  privateKeyFile: /etc/wg.key\n`));
    expect(report).toContain('  5 |   privateKey: ***\n');
    expect(report).toContain('  7 |   privateKeyFile: /etc/wg.key');
  });
});
