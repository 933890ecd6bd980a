/** Order by code unit, never by locale: two nodes must sort alike. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

export function byText<T>(textOf: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => compareText(textOf(a), textOf(b));
}

/** For long lists: asks once for each text, and only looks at what is in order already, as most lists are. @returns `items` itself then */
export function inTextOrder<T>(items: readonly T[], textOf: (item: T) => string): readonly T[] {
  let last = '';
  let isInOrder = true;
  for (const item of items) {
    const text = textOf(item);
    if (text < last) {
      isInOrder = false;
      break;
    }
    last = text;
  }
  if (isInOrder) return items;
  return items
    .map((item) => ({ item, text: textOf(item) }))
    .toSorted((a, b) => compareText(a.text, b.text))
    .map(({ item }) => item);
}
