/**
 * The canonical text of a fact, written and read by its form alone.
 *
 * Every text that a node of this version sends has this form, and a newcomer reads tens of thousands of them: a tenth of what JSON, schema and
 * encoding anew cost. What has another form is nobody's fault yet: `parseFact` looks at it member by member.
 */
import {
  formatInstant,
  parseHostAddress,
  parseInstant,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  type DurationMs,
} from '@routerd/resources';
import type { Fact } from '../ports.ts';
import { BATCH_FACTS_MAX, BATCH_PATH_LENGTH_MAX, type BatchPlace } from './fact-batch.ts';

/** CloudEvents integers have 32 bits (spec section 3.1); 2^31-1 ms are 24 days. */
export const TTL_MS_MAX = 2 ** 31 - 1;

/** A fact as parsed, not yet believed. */
export interface SignedFact {
  readonly fact: Fact;
  /** Canonical JSON of the fact without signature and place: what the signature is about, or the leaf of its batch. */
  readonly content: string;
  /** Undefined where the fact has a signature of its own. */
  readonly place: BatchPlace | undefined;
  /** Base64 of 64 bytes. */
  readonly signature: string;
}

/** @returns the same as `canonicalJson` of the members, which it is tested against */
export function contentOf(fact: Fact): string {
  return `{${middleOf(fact)}${endOf(fact)}`;
}

/** @returns the text that travels */
export function factText(fact: Fact, signature: string, place?: BatchPlace): string {
  const head = place === undefined ? '' : `"batchindex":${place.index},"batchpath":"${place.path}",`;
  return `{${head}${middleOf(fact)}"signature":"${signature}",${endOf(fact)}`;
}

/** The members in their order, up to where the signature stands. */
function middleOf({ group, id, origin, pool, sequence }: Fact): string {
  const counted = String(sequence).padStart(16, '0');
  return `"group":"${group}","id":"${id}","origin":${JSON.stringify(origin)},"pool":"${pool}","sequence":"${counted}",`;
}

function endOf({ site, source, address, observedAt, ttl, type }: Fact): string {
  const time = formatInstant(observedAt);
  return `"site":"${site}","source":"${source}","specversion":"1.0","subject":"${address}","time":"${time}","ttlms":${ttl},"type":"${type}"}`;
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** Canonical JSON writes these as they are; what it escapes is left to the parser of JSON. */
const PLAIN = String.raw`[^"\\\u0000-\u001f\ud800-\udfff]`;
/** Of whole groups of four; their number is checked apart. */
const BASE64 = '[A-Za-z0-9+/]*={0,2}';
const FORM = new RegExp(
  [
    String.raw`^\{(?:"batchindex":(0|[1-9]\d{0,2}),"batchpath":"(${BASE64})",)?`,
    String.raw`("group":"(${LABEL})","id":"([A-Za-z0-9._:-]{1,128})","origin":"(${PLAIN}{0,128})","pool":"(${LABEL})","sequence":"(\d{16})",)`,
    `"signature":"([A-Za-z0-9+/]{86}==)",`,
    String.raw`("site":"(${LABEL})","source":"(${LABEL})","specversion":"1\.0","subject":"([0-9.]{7,15}/32)",`,
    String.raw`"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","ttlms":(0|[1-9]\d{0,9}),"type":"(routerd\.client\.ipv4\.(?:observed|expired))"\})$`,
  ].join(''),
);

/** @returns undefined when the text has another form, or any member is not what it must be: then `parseFact` says what is wrong */
export function factOfText(text: string): SignedFact | undefined {
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const [, index, path, middle = '', , , , , counted = '', signature = '', end = '', , , , time = '', ttlText, type] =
    parts;
  const [group = '', id = '', origin = '', poolText = '', siteText = '', sourceText = '', subject = ''] = copiesOf([
    ...parts.slice(4, 8),
    ...parts.slice(11, 14),
  ]);
  const pool = parsePoolName(poolText);
  const site = parseSiteName(siteText);
  const source = parseNodeName(sourceText);
  const address = parseHostAddress(subject);
  const observedAt = parseInstant(time);
  if (!pool.ok || !site.ok || !source.ok || !address.ok || !observedAt.ok) return undefined;
  const sequence = Number(counted);
  const ttl = Number(ttlText);
  const batchIndex = Number(index ?? 0);
  if (sequence < 1 || !Number.isSafeInteger(sequence) || ttl > TTL_MS_MAX || batchIndex >= BATCH_FACTS_MAX)
    return undefined;
  if (path !== undefined && (path.length > BATCH_PATH_LENGTH_MAX || path.length % 4 !== 0)) return undefined;
  const fact: Fact = {
    id,
    type: type === 'routerd.client.ipv4.expired' ? type : 'routerd.client.ipv4.observed',
    source: source.value,
    group,
    pool: pool.value,
    site: site.value,
    address: address.value,
    observedAt: observedAt.value,
    ttl: ttl as DurationMs,
    sequence,
    origin,
  };
  const place = index === undefined || path === undefined ? undefined : { index: batchIndex, path };
  return { fact, content: `{${middle}${end}`, place, signature };
}

/** Of texts that JSON writes as they are. What a regular expression finds keeps the whole text in memory, for as long as it is kept itself. */
function copiesOf(found: readonly (string | undefined)[]): readonly string[] {
  const copies: readonly string[] = JSON.parse(`["${found.join('","')}"]`);
  return copies;
}
