import path from 'node:path'
import { defineConfig } from 'vitepress'
import { slug } from '../../scripts/slug.js'
import { diagrams } from '../diagrams.js'
import { links } from '../links.js'
import { linkTo, places, root, sidebar } from '../pages.js'

export default defineConfig({
  title: 'fastify-users',
  description: 'Users that log in, for Fastify.',
  lang: 'en',
  srcDir: root,
  // What is on the site is named by pages.js.
  srcExclude: ['README.md', '{apps,dist,examples,lib,scripts,test,types}/**', 'bench/!(README).md', 'build/!(api)/**'],
  rewrites: places,
  outDir: path.join(root, 'build/site'),
  cacheDir: path.join(root, 'site/node_modules/.cache'),
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: '/logo.svg', type: 'image/svg+xml' }]],
  markdown: {
    anchor: { slugify: slug },
    config (md) {
      md.use(links)
      md.use(diagrams)
    }
  },
  themeConfig: {
    logo: '/logo.svg',
    outline: [2, 3],
    search: { provider: 'local' },
    sidebar: sidebar(),
    nav: [
      { text: 'Start', link: linkTo('docs/getting-started.md') },
      { text: 'All pages', link: linkTo('docs/README.md') },
      { text: 'Options', link: linkTo('docs/options.md') },
      { text: 'API', link: linkTo('build/api/README.md') },
      { text: 'Changelog', link: linkTo('CHANGELOG.md') }
    ],
    footer: { message: 'MIT licence' }
  },
  vite: {
    publicDir: path.join(root, 'site/public'),
    plugins: [{
      name: 'vue-of-the-site',
      enforce: 'pre',
      // The pages lie outside of this package, where Vue is not found. What renders them in Node is started inside of it, where it is.
      resolveId: (id, _importer, { ssr }) => ssr && /^vue($|\/)/.test(id) ? { id, external: true } : undefined
    }],
    // The index of the search is one chunk, which is loaded when somebody searches.
    build: { chunkSizeWarningLimit: 5000 }
  }
})
