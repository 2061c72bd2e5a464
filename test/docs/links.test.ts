import t from 'tap'
import { linkProblems } from './links.js'
import { readPages } from './markdown.js'

t.test('each link within the repository leads somewhere', async (t) => {
  const problems = (await readPages()).flatMap(linkProblems)
  t.strictSame(problems, [])
})

t.test('a link that leads nowhere is found', async (t) => {
  const sample = (...lines: string[]): string[] => linkProblems({ path: 'docs/sample.md', text: ['# A `__b` _c_, and [d](README.md): e', '', '## Twice', '', '## Twice', '', ...lines].join('\n') })

  t.strictSame(sample('[a](guards.md), [b](../README.md#licence), [c](#a-__b-c-and-d-e), [d](#twice), [e](#twice-1), [f](https://example.com/none)', '![g](images/performance.svg)'), [])
  t.strictSame(sample('[a](no-guards.md)'), ['docs/sample.md:7: no-guards.md'])
  t.strictSame(sample('', 'See [a', 'b](guards.md#no-such-heading), [b](#twice-2) and', '[c](../package.json#a).'), ['docs/sample.md:9: guards.md#no-such-heading', 'docs/sample.md:9: #twice-2', 'docs/sample.md:10: ../package.json#a'])
  t.strictSame(sample('<img src="images/none.svg">', '[a]: none.md'), ['docs/sample.md:7: images/none.svg', 'docs/sample.md:8: none.md'])
  t.strictSame(sample('`[a](none.md)`', '', '```md', '[b](none.md)', '```', '', '<!-- [c](none.md) -->'), [])
})
