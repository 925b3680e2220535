; See python.definitions.scm.

(atx_heading heading_content: (_) @name) @section
(setext_heading heading_content: (_) @name) @section
