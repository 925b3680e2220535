; See python.definitions.scm.

(function_declaration name: (identifier) @name) @function
(source_file (variable_declaration (identifier) @name) @variable)
(struct_declaration (variable_declaration (identifier) @name) @variable)
(container_field name: (identifier) @name) @field
