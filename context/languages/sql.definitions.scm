; See python.definitions.scm.

(create_table (object_reference name: (identifier) @name)) @class
(create_view (object_reference name: (identifier) @name)) @class
(create_function (object_reference name: (identifier) @name)) @function
(column_definition name: (identifier) @name) @field
