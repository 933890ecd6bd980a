/** The inside of an `SdkShell`: reads calls, performs them one after the other, writes what came of each. */
import { createInterface } from 'node:readline';

interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

interface VendorError {
  readonly name?: string;
  readonly code?: string | number;
  readonly serviceCode?: string;
  readonly message?: string;
  readonly statusCode?: number;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

export async function answerCalls(perform: (call: Call) => Promise<unknown>): Promise<void> {
  const write = (outcome: unknown): void => void process.stdout.write(`${JSON.stringify(outcome)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const call: Call = JSON.parse(line);
    try {
      write({ ok: true, value: (await perform(call)) ?? null });
    } catch (cause) {
      const { name, code, serviceCode, message, statusCode, $metadata } = cause as VendorError;
      const status = statusCode ?? $metadata?.httpStatusCode;
      write({ ok: false, error: { name: serviceCode ?? (typeof code === 'string' ? code : name), message, status } });
    }
  }
}
