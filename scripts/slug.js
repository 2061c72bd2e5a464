/** The anchor of a heading as GitHub makes it. The site makes the same ones, so that a link holds at both places. */
export function slug (heading) {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-')
}
