declare const brand: unique symbol;

/** A type that only its own parser can make: two strings of different meaning cannot be swapped. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
