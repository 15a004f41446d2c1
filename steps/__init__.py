from steps.databases import name_databases

name_databases()
