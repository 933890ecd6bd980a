/** routerctl plugin conformance: every check of the kit against an executor and its author's test cloud. Needs no daemon. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { commandCloud, conformancePlan, runConformance, type Finding } from '@routerd/plugin-sdk/conformance';
import { visibleLines } from '@routerd/resources';
import { buildCommand } from '@stricli/core';
import { parse } from 'yaml';
import { z } from 'zod';
import { fail, outputAliases, outputFlag, type Context } from '../command-context.ts';
import { renderStructured, renderTable, type Output } from '../output.ts';

const PLAN_FILE = 'conformance.yaml';

interface ConformanceFlags {
  readonly output: Output;
}

export const conformanceCommand = buildCommand<ConformanceFlags, [string], Context>({
  async func(this: Context, { output }: ConformanceFlags, given: string) {
    const read = readPlan(given);
    if (typeof read === 'string') {
      const remedy = `${given} has to be a folder with a ${PLAN_FILE}, or such a file; see docs/how-to/provider-plugin.md`;
      return fail(this, { code: 'client.bad-plan', message: read, remedy });
    }
    const { plan, folder } = read;
    const findings = await runConformance({ plan, folder, cloud: commandCloud(plan, folder) });
    this.process.stdout.write(
      `${output === 'table' ? visibleLines(findingsText(findings)) : renderStructured(output, findings)}\n`,
    );
    if (findings.some(({ verdict }) => verdict === 'failed')) this.process.exitCode = 1;
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: `Folder of the plugin, or its ${PLAN_FILE}`, parse: String, placeholder: 'path' }],
    },
  },
  docs: {
    brief: 'Check an executor against the plugin protocol',
    fullDescription:
      'Check an executor against the plugin protocol, with the test cloud that its conformance.yaml names. Changes nothing else, and needs no daemon.\n\nEXAMPLES\n  routerctl plugin conformance plugins/fake\n\nEXIT CODES\n  0 no check failed   1 a check failed, or the file is none   2 wrong usage',
  },
});

/** @returns why there is no plan to be had */
function readPlan(
  given: string,
): { readonly plan: z.output<typeof conformancePlan>; readonly folder: string } | string {
  try {
    const file = path.resolve(statSync(given).isDirectory() ? path.join(given, PLAN_FILE) : given);
    const parsed = conformancePlan.safeParse(parse(readFileSync(file, 'utf8')));
    if (!parsed.success) return `${file}: ${z.prettifyError(parsed.error)}`;
    return { plan: parsed.data, folder: path.dirname(file) };
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

const SIGNS: Readonly<Record<Finding['verdict'], string>> = { passed: 'ok', failed: 'FAILED', untested: 'untested' };

function findingsText(findings: readonly Finding[]): string {
  const table = renderTable(
    [
      { title: 'AREA', value: (finding: Finding) => finding.area },
      { title: 'RESULT', value: ({ verdict }) => SIGNS[verdict] },
      { title: 'TOOK', value: ({ milliseconds }) => `${(milliseconds / 1000).toFixed(1)}s` },
      { title: 'CLAIM', value: ({ claim }) => claim },
    ],
    findings,
  );
  const details = findings.flatMap(({ verdict, area, claim, detail }) =>
    verdict === 'passed' ? [] : [`${verdict}: ${area}: ${claim}\n  ${detail}`],
  );
  const count = (verdict: Finding['verdict']): number => findings.filter((each) => each.verdict === verdict).length;
  const summary = `${count('passed')} passed, ${count('failed')} failed, ${count('untested')} untested`;
  return [table, ...details, summary].join('\n\n');
}
