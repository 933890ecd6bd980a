/** EC2's query protocol: form parameters with numbered lists in, XML out (API reference "Making requests to Amazon EC2"). */
import { randomUUID } from 'node:crypto';
import { XMLBuilder } from 'fast-xml-parser';
import type { WireReply } from '../wire.ts';

export const API_VERSION = '2016-11-15';
const NAMESPACE = `http://ec2.amazonaws.com/doc/${API_VERSION}/`;

/** A value of an XML reply; arrays are sets, written as `<item>` each. */
export type XmlValue = string | number | boolean | readonly XmlValue[] | { readonly [name: string]: XmlValue };

export interface Ec2Fault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const builder = new XMLBuilder({ suppressEmptyNode: true, ignoreAttributes: false });

export function resultReply(action: string, result: Readonly<Record<string, XmlValue>>): WireReply {
  const content = { requestId: randomUUID(), ...result };
  return xmlReply(200, { [`${action}Response`]: { '@_xmlns': NAMESPACE, ...Object.fromEntries(itemized(content)) } });
}

export function faultReply({ status, code, message }: Ec2Fault): WireReply {
  const errors = { Errors: { Error: { Code: code, Message: message } }, RequestID: randomUUID() };
  return { ...xmlReply(status, { Response: errors }), code };
}

function xmlReply(status: number, document: object): WireReply {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(document)}`;
  return { status, headers: { 'content-type': 'text/xml;charset=UTF-8' }, body };
}

function itemized(fields: { readonly [name: string]: XmlValue }): readonly (readonly [string, unknown])[] {
  return Object.entries(fields).map(([name, value]) => [name, written(value)] as const);
}

function written(value: XmlValue): unknown {
  if (Array.isArray(value)) return value.length === 0 ? '' : { item: value.map(written) };
  if (typeof value === 'object') return Object.fromEntries(itemized(value as { readonly [name: string]: XmlValue }));
  return `${value}`;
}

/**
 * Reads parameters and remembers which were asked for, so that what nobody asked for can be refused: a typo of a caller must not pass
 * for a default.
 */
export class QueryParameters {
  readonly #given: ReadonlyMap<string, string>;
  readonly #read = new Set(['Action', 'Version']);

  constructor(body: string) {
    this.#given = new Map(new URLSearchParams(body));
  }

  text(name: string): string | undefined {
    this.#read.add(name);
    return this.#given.get(name);
  }

  /** Anything but `true` is false. */
  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** `Name.1`, `Name.2`, … without gaps. */
  list(name: string): readonly string[] {
    const values: string[] = [];
    for (let index = 1; this.#given.has(`${name}.${index}`); index++) {
      values.push(this.text(`${name}.${index}`) ?? '');
    }
    return values;
  }

  filters(): readonly { readonly name: string; readonly values: readonly string[] }[] {
    const filters: { name: string; values: readonly string[] }[] = [];
    for (let index = 1; this.#given.has(`Filter.${index}.Name`); index++) {
      const name = this.text(`Filter.${index}.Name`) ?? '';
      filters.push({ name, values: this.list(`Filter.${index}.Value`) });
    }
    return filters;
  }

  unread(): string | undefined {
    return [...this.#given.keys()].find((name) => !this.#read.has(name));
  }

  /** For the journal. */
  all(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#given].filter(([name]) => name !== 'Action' && name !== 'Version'));
  }
}
