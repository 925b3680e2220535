; See python.definitions.scm.

(binding attrpath: (attrpath attr: (identifier) @name)) @variable
