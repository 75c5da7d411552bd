/** Text without control characters other than line feed and tab, so that it cannot move a terminal's cursor. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
}
