/** What can be written to disk and sent to the page without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
