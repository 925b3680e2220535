; See python.definitions.scm.

(class_declaration name: (identifier) @name) @class
(object_declaration name: (identifier) @name) @class
(companion_object name: (identifier) @name) @class
(function_declaration name: (identifier) @name) @function
(property_declaration (variable_declaration . (identifier) @name)) @variable
(type_alias type: (identifier) @name) @type
(enum_entry . (identifier) @name) @constant
