"""The viewer: a run as one HTML file that needs no server and no network.

`view` finds a run and writes the page; `film` makes the copy of the film that goes inside; `payload` packs the arrays,
`angles` and `trust` compute what stands beneath; `document` puts HTML, style and scripts (`page/`, and three.js in
`vendor/`) together.
"""
