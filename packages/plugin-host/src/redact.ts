/** Takes secrets out of text that plugins write. Pure. */

const REDACTED = '[redacted]';

/** Words in key names whose value is never shown, in any spelling: `private_key`, `privateKey`. docs/reference/plugin-protocol.md lists them. */
const KEYS =
  'secret|password|passphrase|private[_-]?key|pre[_-]?shared[_-]?key|psk|token|credential|auth[_-]?key|access[_-]?key|signature';
const ASSIGNMENT = new RegExp(
  `(["']?)([\\w.-]*(?:${KEYS})[\\w.-]*)\\1(\\s*[:=]\\s*)("[^"]*"|'[^']*'|[^\\s,;}]+)`,
  'gi',
);
/** `ExpiredToken: The token …` is a provider's error code and a sentence, not a key and its value. */
const ERROR_CODE = /^[A-Z][a-z]+[A-Z]/;
const SECRET_LIKE = /^["']|^(?=.*\d)[\w+/=.-]{16,}$/;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w~+/.=-]{8,}/gi, `$1 ${REDACTED}`],
  // JSON Web Tokens, wherever they stand.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // What is left of a PEM block when its lines come one by one.
  [/^[A-Za-z0-9+/]{60,}={0,2}$/gm, REDACTED],
];

const SECRET_KEY = new RegExp(KEYS, 'i');

/** Values that a plugin observed: all of what stands under a secret key, and what looks like a secret in any other. */
export function redactValues(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const shown = (key: string, value: string): string => (SECRET_KEY.test(key) ? REDACTED : redact(value));
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, shown(key, value)]));
}

export function redact(text: string): string {
  const shown = PATTERNS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
  return shown.replace(ASSIGNMENT, (whole: string, quote: string, key: string, separator: string, value: string) => {
    const isSentence = quote === '' && separator.includes(':') && ERROR_CODE.test(key) && !SECRET_LIKE.test(value);
    return isSentence ? whole : `${quote}${key}${quote}${separator}${REDACTED}`;
  });
}
