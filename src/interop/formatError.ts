/** A file that is damaged, or that says something the library cannot do. The message begins with the function's name. */
export class FormatError extends Error {
  override name = 'FormatError';
}
